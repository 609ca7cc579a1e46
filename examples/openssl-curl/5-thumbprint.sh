openssl x509 -in client.pem -outform DER | openssl dgst -sha256 -binary | openssl base64 | tr '+/' '-_' | tr -d '=' > thumbprint
cat thumbprint
