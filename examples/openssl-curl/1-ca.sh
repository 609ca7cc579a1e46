openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout ca-key.pem -out ca.pem -days 365 \
  -subj "/CN=My CA" -addext "keyUsage=critical,keyCertSign,cRLSign"
