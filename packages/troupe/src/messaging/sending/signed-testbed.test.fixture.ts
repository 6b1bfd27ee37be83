/** Testbeds whose messages are signed, what changes their rows behind the library, and what they reject. */
import { expect } from 'vitest'
import type { SignatureConfig } from '../../security/index.ts'
import type { MessagingTestbed, MessagingTestbedOptions } from '../messaging-testbed.test.fixture.ts'
import { messagingTestbeds } from '../open-testbeds.test.fixture.ts'

export const secret = 'a secret of at least thirty-two bytes'
export const shared: SignatureConfig = { keys: [{ id: 'all', secret }] }

/** To be called once in a file of tests. */
export function signedTestbeds() {
  const testbeds = messagingTestbeds()
  return {
    newFile: testbeds.newFile,
    unsignedTestbed: testbeds.testbed,
    testbed: (signatures: SignatureConfig = shared, options: MessagingTestbedOptions = {}) =>
      testbeds.testbed({ ...options, config: { ...options.config, signatures } }),
  }
}

export async function change({ storage }: MessagingTestbed, sql: string, ...binds: (string | number)[]): Promise<void> {
  const result = await storage.commit({ id: null, scope: { user: 'ada' }, statements: [{ sql, binds }] })
  expect(result).toMatchObject({ ok: true })
}

/** The agent and the code of each incident. */
export const rejections = ({ events }: MessagingTestbed) =>
  events.filter(({ type }) => type === 'incident.recorded').map(({ agent, code }) => [agent, code])
