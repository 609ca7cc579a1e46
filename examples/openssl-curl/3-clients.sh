cat > client.ext <<'END'
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=clientAuth
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
END
for name in client thief; do
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout $name-key.pem -out $name.csr \
    -subj "/CN=$name"
  openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca-key.pem -days 90 -extfile client.ext -out $name.pem
done
