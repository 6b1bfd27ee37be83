/** Runs over HTTP: one request starts a run, others ask for its status and its result. */
import { createTroupe, defineAgent, patterns } from 'troupe'
import { serve } from 'troupe/server'

const echo = defineAgent({ name: 'Echo', run: async (task: string) => `${task}, ${task}` })
// Callers choose among registered teams by name.
const teams = { echo: patterns.pipeline({ stages: [{ agents: [echo] }] }) }

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent', teams })
  const server = await serve(troupe, { port: 0 })
  const ask = async (path: string, body?: object): Promise<Record<string, unknown>> => {
    const headers = { 'content-type': 'application/json' }
    const init = body ? { method: 'POST', headers, body: JSON.stringify(body) } : {}
    const response = await fetch(`${server.url}${path}`, init)
    return { ...((await response.json()) as object), code: response.status }
  }
  try {
    const { task_id: id, ...started } = await ask('/execute', { task: 'hello', team: 'echo' })
    await fetch(`${server.url}/v1/runs/${id}/result?wait=30s`)
    return {
      started,
      result: await ask(`/result/${id}`),
      status: await ask(`/status/${id}`),
      unknown: (await ask('/status/none')).code,
      rejected: (await ask('/execute', { task: 'hello', team: 'none' })).code,
    }
  } finally {
    await server.close()
  }
}

if (import.meta.main) console.log(await main())
