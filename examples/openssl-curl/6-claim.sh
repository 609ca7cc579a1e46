node -p 'JSON.parse(Buffer.from(fs.readFileSync("token", "utf8").split(".")[1], "base64url")).cnf["x5t#S256"]'
