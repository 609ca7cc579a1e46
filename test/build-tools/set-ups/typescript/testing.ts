import { createTestKit, type TestKit } from "@certbound/testing";

export const kit: TestKit = await createTestKit();
