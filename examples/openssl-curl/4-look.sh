openssl verify -CAfile ca.pem -purpose sslserver server.pem
openssl verify -CAfile ca.pem -purpose sslclient client.pem thief.pem
openssl x509 -in server.pem -noout -subject -issuer -dates -ext subjectAltName,extendedKeyUsage
