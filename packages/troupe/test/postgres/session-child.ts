/**
 * A process with a call of a session: it says when the work of its step begins, goes on after a line of its input, and says
 * how the call ended.
 *
 * node session-child.ts STORAGE WORK; the WORK `effect` is an effect of class `at-most-once`, `code` none.
 */
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { createTroupe, defineAgent } from 'troupe'

const lines = createInterface({ input: process.stdin })
const line = () => new Promise<void>((resolve) => lines.once('line', () => resolve()))
async function work(): Promise<string> {
  writeSync(1, 'working\n')
  await line()
  return 'paid by the child'
}
const payer = defineAgent<string>({
  name: 'Payer',
  run: (_, ctx) => (process.argv[3] === 'effect' ? ctx.effect('pay', { class: 'at-most-once' }, work) : work()),
})
const storage = JSON.parse(process.argv[2] as string)
const lease = typeof storage === 'string' ? {} : ({ lease: '2s' } as const)
const troupe = await createTroupe({ storage, ...lease, log: 'silent' })
const session = troupe.user('ada').session(payer, { threadId: 't' })
const end = await session.chat('Pay.').catch((error: { readonly code: string }) => error.code)
writeSync(1, `${end}\n`)
lines.close()
await troupe.close()
