/** When a source fails: what was last good, else what is given, and the source left alone until it recovers. */
import { createTroupe, defineAgent, type Json, TroupeError } from 'troupe'

/** Asks `source`, and remembers what it said; where it fails the last answer stands, marked as such. */
const rates = (source: () => Promise<Json>) =>
  defineAgent({
    name: 'Rates',
    run: async (fallback, ctx) => {
      try {
        const value = await ctx.effect('ask the source', { class: 'read' }, source)
        await ctx.context.push('rates.last_known_good', value)
        return { value, fallback: false }
      } catch (error) {
        // A cancelled step is not a source that failed.
        if (error instanceof TroupeError && error.code === 'cancelled') throw error
        return { value: (await ctx.context.get('rates.last_known_good')) ?? fallback, fallback: true }
      }
    },
  })

export async function main() {
  let up = false
  const agent = rates(async () => {
    if (!up) throw new Error('503')
    return 1.08
  })
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  const ask = async () => (await ada.session(agent).run(1)).output
  const answer = await ask()
  up = true
  const fresh = await ask()
  up = false
  return { answer, fresh, lastKnownGood: await ask() }
}

if (import.meta.main) console.log(await main())
