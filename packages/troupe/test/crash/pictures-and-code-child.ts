/**
 * A process with a run in which a tool gives a model a picture, the model executes code over the workspace, and a function
 * passes the picture and the files on. The result, the files and what the storage has of the picture are printed.
 *
 * node pictures-and-code-child.ts DATABASE LEDGER: each prompt, picture and execution of code is a line of the ledger.
 * TROUPE_KILLS: the moment of its death: before the writer has a commit, when a commit is durable and its callers do not
 * know, or after code was executed and before its outcome is recorded.
 */
import { createHash } from 'node:crypto'
import { appendFileSync, writeSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { createTroupe, defineAgent, defineTool, LlmAgent, patterns } from 'troupe'
import { quickJsSandbox, type SandboxEngine } from 'troupe/sandbox'
import { MockModel, seededRandom, systemClock } from 'troupe/testing'
import { image, sandboxTools, workspaceTools } from 'troupe/tools'
import { z } from 'zod'

const [database = '', ledger = ''] = process.argv.slice(2)
const dieAt = process.env.TROUPE_KILLS ? Number(process.env.TROUPE_KILLS) : Number.POSITIVE_INFINITY
const note = (line: string) => appendFileSync(ledger, `${line}\n`)
const hash = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16)

let killPoint = 0
const mayDie = () => {
  if (killPoint++ === dieAt) process.kill(process.pid, 'SIGKILL')
}
const deadly = {
  ...systemClock,
  after(_: number, run: () => void) {
    mayDie()
    queueMicrotask(run)
    return () => {}
  },
}
const quickJs = quickJsSandbox()
const engine: SandboxEngine = {
  ...quickJs,
  run: async (request) => {
    const output = await quickJs.run(request)
    note(`code ${hash(request.code)} over ${hash([...request.files])}`)
    mayDie()
    return output
  },
}

const picture = image(Buffer.alloc(400_000, 'picture'), { mediaType: 'image/png' })
const photograph = defineTool({
  name: 'photograph',
  description: 'Returns a picture',
  inputSchema: z.object({}),
  effect: 'idempotent',
  execute: () => {
    note('photograph')
    return [{ type: 'text', text: 'The picture' }, picture] as never
  },
})
const calls = [
  { name: 'photograph' },
  { name: 'run_code', args: { code: "files.write('a.txt', 'one'); console.log('first')" } },
  { name: 'run_code', args: { code: "files.write('a.txt', files.read('a.txt') + ' two'); console.log('second')" } },
  { name: 'edit_file', args: { path: 'a.txt', old: 'two', new: 'three' } },
]
const reply = ({ prompt }: { readonly prompt: readonly { readonly role: string }[] }) => {
  const results = prompt.filter(({ role }) => role === 'tool').length
  note(`prompt ${results} ${hash(prompt)}`)
  const next = calls[results]
  // The call ids of `MockModel` count its calls, of which a recovered process makes fewer.
  return next
    ? { toolCalls: [{ ...next, id: `call-${results}` }] }
    : `The prompt has the picture: ${JSON.stringify(prompt).includes(picture.data)}.`
}
const analyst = new LlmAgent({
  name: 'Analyst',
  model: new MockModel({ responses: Array.from({ length: 20 }, () => reply) }),
  tools: [photograph, ...sandboxTools(), ...workspaceTools()],
})
const archivist = defineAgent<string>({
  name: 'Archivist',
  async run(text, ctx) {
    const copy = await ctx.effect('copy', { class: 'idempotent' }, () => {
      note('copy')
      return picture as never
    })
    await ctx.context.push('picture', { copy })
    await ctx.commit()
    const { stdout } = await ctx.sandbox.run({
      code: "files.write('b.txt', files.read('a.txt') + ' four'); console.log('third')",
    })
    return { text, stdout, copy } as never
  },
})

const troupe = await createTroupe({
  storage: `sqlite:${database}`,
  agents: [analyst, archivist],
  sandbox: { engines: [engine] },
  log: 'silent',
  faults: { clock: deadly, random: seededRandom('no fault'), delayMs: 1 },
} as never)
const { orchestra, context } = troupe.user('ada')
const topology = patterns.pipeline({ stages: [{ agents: [analyst] }, { agents: [archivist] }] })
const run = await orchestra.start({ id: 'r', task: 't', topology })
const { status, response } = await run.result()
const { text, stdout, copy } = response as { readonly text: string; readonly stdout: string; readonly copy: unknown }
const entry = await context.get('picture')
const { identical } = await orchestra.verifyReplay('r')
await troupe.close()
const db = new DatabaseSync(database)
const blobs = db.prepare('select count(*) as found, sum(bytes) as bytes from storage_blobs').get()
const files = db.prepare('select path, version, step, content from sandbox_files order by path, version').all()
db.close()
const pictures = [hash(copy) === hash(picture), hash(entry) === hash({ copy: picture })]
writeSync(1, JSON.stringify({ status, text, stdout, pictures, identical, blobs, files }))
