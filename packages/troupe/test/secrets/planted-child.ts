/**
 * Works with a secret in every place where one may be, fails with it in every way, and prints all that comes out. The
 * parent looks for the secret in what was printed.
 *
 * node planted-child.ts SECRET
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { createTroupe, defineAgent, defineTool, LlmAgent, loadConfig, secretRef } from 'troupe'
import { showConfig } from 'troupe/operations'
import { MockModel } from 'troupe/testing'
import { z } from 'zod'

const planted = process.argv[2] as string
const show = (value: unknown) =>
  process.stdout.write(`${inspect(value, { depth: 12, showHidden: true })}\n${JSON.stringify(value) ?? ''}\n`)

const provider = createServer((request, response) => {
  response.writeHead(401, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ error: { message: `Incorrect API key provided: ${request.headers.authorization}` } }))
}).listen(0, '127.0.0.1')
await new Promise((resolve) => provider.once('listening', resolve))
const url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`

const loaded = await loadConfig({
  cwd: '/nonexistent',
  env: {
    OPENAI_API_KEY: planted,
    DB_PASSWORD: planted,
    DATABASE_URL: `postgres://app:${planted}@db/shop`,
    TROUPE_ENCRYPTION_KEY: planted,
    TROUPE_SERVER_KEY: planted,
    TROUPE_MESSAGING_SIGNATURES: `{${planted}`,
  },
  flags: { 'storage.port': 'none' },
})
show(showConfig(loaded))
show(loaded.problems)

const calls = (name: string) => ({ text: '', toolCalls: [{ name, args: {} }] })
const leaky = defineTool({
  name: 'leaky',
  description: 'Fails with what it knows.',
  inputSchema: z.object({}),
  effect: 'read',
  execute: () => {
    throw new Error(`401 for Bearer ${planted}`)
  },
})
const careless = defineAgent({
  name: 'Careless',
  run: (input, ctx) =>
    ctx.effect('ask', { class: 'read' }, () => {
      throw Object.assign(new Error(`${input}: ${JSON.stringify({ key: planted })}`), { code: planted })
    }),
})
const vendor = { url, model: 'm', apiKey: secretRef('VENDOR_KEY') }
const secrets = [{ get: (name: string) => (name === 'VENDOR_KEY' ? { value: planted } : undefined) }]
const mock = new MockModel({ responses: [calls('leaky'), 'It failed.'] })
const troupe = await createTroupe({ storage: 'memory:', log: 'debug', secrets, models: { registry: { vendor, mock } } })
troupe.on('*', (event) => show(event))
const ada = troupe.user('ada')
show(await ada.session(new LlmAgent({ name: 'Asker', model: 'vendor' })).run('hello'))
show(await ada.session(new LlmAgent({ name: 'Caller', model: 'mock', tools: [leaky] })).run('hello'))
show(mock.calls)
const run = await ada.orchestra.start({
  task: 'go',
  topology: { agents: [careless], flows: ['Start -> Careless', 'Careless -> End'] },
})
const result = await run.result()
show(result)
for await (const event of run.events()) show(event)
show(await ada.orchestra.export(run.id))
show(await ada.orchestra.why(run.id))
show([troupe, ada, run, troupe.secrets])
await ada.context.push('k', 1)
await troupe.close()
await createTroupe({
  storage: `sqlite:/dev/null/${planted}`,
  secrets: [{ get: () => ({ value: planted }) }],
  encryption: { keys: [{ id: 'k', key: secretRef('K') }] },
}).catch(({ code }: { readonly code?: string }) => show(code))
provider.close()
process.stdout.write('over\n')
