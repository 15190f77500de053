"""The names of the files that clients read, in ``client/host`` and ``client/container`` of the state folder."""

CA = "ca.crt"
BUNDLE = "bundle.pem"
TRUST_STORE = "truststore.p12"
JAVA_OPTIONS = "java.options"
