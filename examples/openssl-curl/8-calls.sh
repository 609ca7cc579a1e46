call() {
  curl -sS -w ' %{http_code}\n' --cacert ca.pem "$@" "${API:-https://localhost:8443}/accounts"
}
# Use a file, because all users of the machine can see the arguments of a command.
(umask 077; { printf 'Authorization: Bearer '; cat token; } > authorization)

call --cert client.pem --key client-key.pem -H @authorization  # 200; all others 401
call -H @authorization                                         # the token without a certificate
call --cert thief.pem --key thief-key.pem -H @authorization    # with the certificate of another client
call --cert renewed.pem --key client-key.pem -H @authorization # with a new certificate for the same key
call --cert client.pem --key client-key.pem                    # the certificate without a token
