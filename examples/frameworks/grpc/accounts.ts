import type { ServiceDefinition } from "@grpc/grpc-js";

/** A service as `protoc` generates it, with JSON instead of protocol buffers. */
export const accountsService = {
  list: {
    path: "/example.Accounts/List",
    requestStream: false,
    responseStream: false,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  },
} satisfies ServiceDefinition;

/** The response of the service. */
export interface Accounts {
  readonly client: string | undefined;
}

function serialize(message: unknown): Buffer {
  return Buffer.from(JSON.stringify(message));
}

function deserialize(bytes: Buffer): unknown {
  return JSON.parse(bytes.toString());
}
