import type { ServiceDefinition } from "@grpc/grpc-js";

/** A service as `protoc` generates it, with JSON instead of protocol buffers. */
export const accountsService = {
  list: {
    path: "/example.Accounts/List",
    requestStream: false,
    responseStream: false,
    requestSerialize: serialize<object>,
    requestDeserialize: deserialize<object>,
    responseSerialize: serialize<Accounts>,
    responseDeserialize: deserialize<Accounts>,
  },
} satisfies ServiceDefinition;

/** The response of the service. */
export interface Accounts {
  readonly client: string | undefined;
}

function serialize<Message>(message: Message): Buffer {
  return Buffer.from(JSON.stringify(message));
}

function deserialize<Message>(bytes: Buffer): Message {
  return JSON.parse(bytes.toString()) as Message;
}
