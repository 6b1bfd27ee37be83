/** Validate, look into the cache, process, keep, log: each in its place, none of them in the agent's own work. */
import { type Config, createTroupe, defineAgent } from 'troupe'
import { z } from 'zod'

const request = z.object({ action: z.literal('count'), data: z.string().min(1) })

export function wellStructured(handle: (data: string) => number, log: Pick<Config.Log, 'info'>) {
  return defineAgent({
    name: 'Counter',
    // A request that does not fit never comes to the code below.
    inputSchema: request,
    outputSchema: z.object({ words: z.number(), cached: z.boolean() }),
    run: async ({ data }, ctx) => {
      const key = `cache.words.${Buffer.from(data).toString('base64url').slice(0, 200)}`
      const known = await ctx.context.get(key)
      if (typeof known === 'number') return { words: known, cached: true }
      const words = await ctx.effect('count', { class: 'read', input: data }, () => handle(data))
      await ctx.context.push(key, words, { lifecycle: 'cache', audience: 'owner' })
      log.info('processed', { words })
      return { words, cached: false }
    },
  })
}

export async function main() {
  const lines: { readonly msg: string; readonly agent: string; readonly words: number }[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  await using troupe = await createTroupe({ storage: 'memory:', log: { level: 'info', format: 'json', destination } })
  let processed = 0
  const counter = wellStructured((data) => {
    processed++
    return data.split(' ').length
  }, troupe.log)
  const ask = (input: { readonly [field: string]: string }) => troupe.user('ada').session(counter).run(input)
  const [first, second] = [await ask({ action: 'count', data: 'a b c' }), await ask({ action: 'count', data: 'a b c' })]
  const wrong = await ask({ action: 'count' })
  return {
    first: first.output,
    second: second.output,
    processed,
    logged: lines.map(({ msg, agent, words }) => [msg, agent, words]),
    wrong: 'error' in wrong ? wrong.error.name : undefined,
  }
}

if (import.meta.main) console.log(await main())
