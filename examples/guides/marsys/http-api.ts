/** Runs over HTTP: one request starts a run, others ask how it is and what came of it. The task's id is the run's. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createTroupe, defineAgent, type Orchestra, patterns, TroupeError } from 'troupe'
import { z } from 'zod'

// Callers choose among teams by name: a topology is code of ours, not input of theirs.
const echo = defineAgent({ name: 'Echo', run: async (task: string) => `${task}, ${task}` })
const teams = { echo: patterns.pipeline({ stages: [{ agents: [echo] }] }) }
const Execute = z.strictObject({ task: z.string().max(10_000), team: z.enum(['echo']) })
const largest = 100_000

async function answer(orchestra: Orchestra, request: IncomingMessage): Promise<{ status: number; body: object }> {
  const [, action, id = ''] = (request.url ?? '').split('/')
  if (request.method === 'POST' && action === 'execute') {
    if (!(Number(request.headers['content-length']) <= largest)) return { status: 413, body: { error: 'too large' } }
    const { success, data } = Execute.safeParse(JSON.parse(await text(request)))
    if (!success) return { status: 400, body: { error: 'it is { task, team }' } }
    const run = await orchestra.start({ task: data.task, topology: teams[data.team] })
    return { status: 202, body: { task_id: run.id, status: 'started' } }
  }
  const run = await orchestra.get(decodeURIComponent(id))
  if (action === 'status') return { status: 200, body: { status: (await run.status()).status } }
  if (action !== 'result') return { status: 404, body: { error: 'there is no such page' } }
  const { status, response } = await run.result()
  return { status: 200, body: { status, response } }
}

export function createApi(orchestra: Orchestra) {
  return createServer(async (request, response) => {
    const { status, body } = await answer(orchestra, request).catch((error: unknown) =>
      error instanceof TroupeError
        ? { status: error.status, body: { error: error.message } }
        : { status: 400, body: { error: 'it cannot be read' } },
    )
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  await using server = createApi(troupe.user('ada').orchestra)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const ask = async (path: string, body?: object): Promise<Record<string, unknown>> => {
    const init = body ? { method: 'POST', body: JSON.stringify(body) } : {}
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { ...init, headers: { connection: 'close' } })
    return { code: response.status, ...((await response.json()) as object) }
  }
  const { task_id: id, ...started } = await ask('/execute', { task: 'hello', team: 'echo' })
  return {
    started,
    result: await ask(`/result/${id}`),
    status: await ask(`/status/${id}`),
    unknown: (await ask('/status/none')).code,
    rejected: (await ask('/execute', { task: 'hello', team: 'none' })).code,
  }
}

if (import.meta.main) console.log(await main())
