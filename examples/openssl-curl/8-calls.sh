call() {
  curl -sS -w ' %{http_code}\n' --cacert ca.pem "$@" "${API:-https://localhost:8443}/accounts"
}
bearer="Authorization: Bearer $(cat token)"

call --cert client.pem --key client-key.pem -H "$bearer"  # 200, all others 401
call -H "$bearer"                                         # the token without a certificate
call --cert thief.pem --key thief-key.pem -H "$bearer"    # with the certificate of another client
call --cert renewed.pem --key client-key.pem -H "$bearer" # with a new certificate for the same key
call --cert client.pem --key client-key.pem               # the certificate without a token
