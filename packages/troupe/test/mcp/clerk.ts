/** An agent that has the tools of another server, for processes that know the run and processes that find it. */
import { fileURLToPath } from 'node:url'
import { LlmAgent } from '../../src/index.ts'
import { defineMcpTools } from '../../src/protocols/index.ts'
import { MockModel } from '../../src/testing/index.ts'

const program = fileURLToPath(new URL('./third-party-server.ts', import.meta.url))

/** @param file what the server offers, see `third-party-server.ts` */
export function createClerk(file: string) {
  const server = { command: process.execPath, args: [program, file] }
  const other = defineMcpTools({ name: 'other', server, effect: { gate: 'idempotent' } })
  // What it says follows from what was said: another process goes on with it.
  const next = ({ prompt }: { readonly prompt: readonly { readonly role: string }[] }) =>
    [
      { toolCalls: [{ name: 'other_echo', args: { bytes: 1 } }] },
      { toolCalls: [{ name: 'other_gate', args: {} }] },
      { text: 'done' },
    ][prompt.filter(({ role }) => role === 'tool').length] as { text: string }
  const model = new MockModel({ responses: [next, next, next] })
  return { other, model, clerk: new LlmAgent({ name: 'Clerk', model, tools: [other] }) }
}
