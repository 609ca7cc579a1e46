openssl x509 -req -in client.csr -CA ca.pem -CAkey ca-key.pem -days 90 -extfile client.ext -out renewed.pem
