import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Writes certificates, keys and a token to files for curl, prints curl commands, and serves until Ctrl-C. */
export async function serve(stage) {
  const { ca, client, thief, issuer, apis } = stage;
  const folder = await mkdtemp(join(tmpdir(), "certbound-demo-"));
  const files = {
    "ca.pem": ca.certificate,
    "client.pem": client.certificate,
    "client-key.pem": client.key,
    "thief.pem": thief.certificate,
    "thief-key.pem": thief.key,
    authorization: `Authorization: Bearer ${await issuer.accessToken({ boundTo: client, expiresIn: 3600 })}`,
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content, { mode: 0o600 });

  // Reads the header from a file, because all users of the machine can see the arguments of a command.
  const curl = `curl -i --cacert ${folder}/ca.pem -H @${folder}/authorization`;
  const as = (name) => `--cert ${folder}/${name}.pem --key ${folder}/${name}-key.pem`;
  for (const { name, url } of apis) {
    console.log(`\n# ${name}: the client that the token was issued to (200)\n${curl} ${as("client")} ${url}/accounts`);
    console.log(
      `# ${name}: a thief, with a certificate from the same CA (401)\n${curl} ${as("thief")} ${url}/accounts`,
    );
    console.log(`# ${name}: no certificate (401)\n${curl} ${url}/accounts`);
  }
  console.log(
    "\nThe token is valid for one hour. The reasons for rejected requests are printed below. Press Ctrl-C to stop.\n",
  );

  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  await stage.close();
  await rm(folder, { recursive: true });
}
