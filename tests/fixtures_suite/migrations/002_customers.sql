CREATE TABLE customers (id uuid DEFAULT uuid_generate_v4() PRIMARY KEY, name text NOT NULL UNIQUE);
ALTER TABLE orders ADD customer uuid REFERENCES customers;
