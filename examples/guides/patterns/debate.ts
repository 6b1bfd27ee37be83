/** A debate: the sides speak in turn, each knowing what was said; after so many turns a judge decides on all of it. */
import { type Agent, createTroupe, defineAgent, defineKey, finish, invoke, LlmAgent, patterns } from 'troupe'
import { MockModel } from 'troupe/testing'
import { z } from 'zod'

const Minutes = z.object({ question: z.string(), statements: z.array(z.object({ by: z.string(), text: z.string() })) })
const MinutesKey = defineKey('debates.{run}', Minutes)

interface Spoken {
  readonly results: readonly { readonly agent: string; readonly value: string }[]
}

/** @param options.sides who speak in turn, of any kind: models, functions, pools */
export function debate({ sides, judge, turns }: { sides: readonly Agent[]; judge: Agent; turns: number }) {
  const moderator = defineAgent({
    name: 'Moderator',
    run: async (input: string | Spoken, ctx) => {
      const key = MinutesKey({ run: ctx.runId ?? '' })
      const minutes = (await ctx.context.get(key)) ?? { question: String(input), statements: [] }
      const [spoke] = typeof input === 'string' ? [] : input.results
      if (spoke?.agent === judge.name) return finish(spoke.value)
      if (spoke) minutes.statements.push({ by: spoke.agent, text: spoke.value })
      await ctx.context.push(key, minutes, { audience: 'owner' })
      const speaker = minutes.statements.length < turns ? sides[minutes.statements.length % sides.length] : judge
      return invoke([{ agent: speaker ?? judge, input: minutes }])
    },
  })
  return patterns.hubAndSpoke({ hub: moderator, spokes: [...sides, judge] })
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const side = (name: string, instructions: string, responses: string[]) =>
    new LlmAgent({ name, instructions, model: new MockModel({ responses }) })
  const topology = debate({
    sides: [
      side('Pro', 'You argue for it.', ['It saves an hour a day.', 'Windows keep the noise out.']),
      side('Con', 'You argue against it.', ['The noise costs two.', 'They cost more than it saves.']),
    ],
    judge: defineAgent({
      name: 'Judge',
      inputSchema: Minutes,
      run: async ({ statements }) => `${statements.at(-1)?.by} had the last word of ${statements.length}.`,
    }),
    turns: 4,
  })
  const { response, totalSteps } = await troupe
    .user('ada')
    .orchestra.run({ task: 'Should we move to the station?', topology })
  return { response, totalSteps }
}

if (import.meta.main) console.log(await main())
