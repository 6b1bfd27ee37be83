/** The programs of the README, run as they stand there. */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { ended, environment, Folder, untilPrinted } from '../cli/cli-process.ts'
import { openScriptedModel, type ScriptedAnswer } from './open-scripted-model.ts'

const readme = readFileSync(join(import.meta.dirname, '../../../../README.md'), 'utf8')
const [first = '', second = ''] = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code)
const folder = new Folder()
afterAll(() => folder[Symbol.dispose]())

function start(name: string, code: string, env: Readonly<Record<string, string>> = {}) {
  writeFileSync(join(folder.path, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder.path, name), code)
  return spawn(process.execPath, [name], { cwd: folder.path, env: environment(env) })
}

it('The first program of the README runs without a key and prints its answer.', async () => {
  expect(await ended(start('first.ts', first))).toEqual({ code: 0, out: 'Order 17: 2 × tea, paid\n', error: '' })
})

it('The first program throws what the run failed with.', async () => {
  const broken = first.replace("return { item: 'tea'", "throw new Error('no stock')\n      return { item: 'tea'")
  const { code, out, error } = await ended(start('broken.ts', broken))
  expect([code, out]).toEqual([1, ''])
  expect(error).toContain('no stock')
})

it('The second program of the README follows the run, asks the person, hands off, and pays once it is approved.', async () => {
  const call = (name: string, args: unknown): ScriptedAnswer => ({ tool: { name, args } })
  const server = await openScriptedModel([
    call('ask_user', { question: 'Which order is it?' }),
    call('find_order', { order: 17 }),
    call('hand_off', { agent_name: 'Billing', request: 'Refund order 17.' }),
    { text: 'The user wants 40 euros back for order 17.' },
    call('refund', { order: 17, euros: 40 }),
    { text: 'Your 40 euros are on their way.' },
  ])
  const env = { AGENT_MODEL: 'openai/test', OPENAI_API_KEY: 'none', OPENAI_BASE_URL: server.url }
  const program = start('desk.ts', second, env)
  const over = ended(program)
  await untilPrinted(program, /Which order is it\?/)
  program.stdin.write('17\n')
  await untilPrinted(program, /May Billing call refund/)
  program.stdin.write('yes\n')
  const { code, out, error } = await over
  server.close()
  expect({ code, error }).toEqual({ code: 0, error: '' })
  expect(out.match(/\w+ is done\./g)).toEqual(['Triage is done.', 'Billing is done.'])
  expect(out.trimEnd().split('\n').at(-1)).toContain('Your 40 euros are on their way.')
  const sent = server.requests
  expect(sent[0]).toContain('Billing: Refunds orders.')
  expect(sent[4]).toContain('The user wants 40 euros back for order 17.')
  expect(sent[5]).toContain('40 euros are on their way')
})
