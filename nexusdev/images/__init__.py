"""How images arrive: the lock says which and from where, the store is asked first, what is missing is fetched or built."""
