/** A thread past several compactions: the prompt stays small, and the storage keeps every message. */
import { createTroupe, LlmAgent } from 'troupe'
import { MockModel } from 'troupe/testing'

const turns = 60
const parcel = (n: number) => `Parcel ${n} weighs ${n} kg and ${'goes to the harbour, '.repeat(8)}as the others do.`

/** Answers a message with a note of it, and the request for a summary with the heaviest parcel in the thread. */
const scripted = () =>
  new MockModel({
    responses: Array.from({ length: 3 * turns }, () => ({ prompt }: { readonly prompt: unknown }) => {
      const text = JSON.stringify(prompt)
      const weights = [...text.matchAll(/(\d+) kg/g)].map(([, weight]) => Number(weight))
      if (text.includes('Summarise the conversation'))
        return `The heaviest parcel so far has ${Math.max(...weights)} kg.`
      return text.includes('Which is the heaviest') ? `The heaviest has ${Math.max(...weights)} kg.` : 'Noted.'
    }),
  })

export async function main() {
  const clerk = new LlmAgent({
    name: 'Clerk',
    instructions: 'Note the parcels.',
    model: process.env.MODEL ?? scripted(),
    memory: { compaction: { at: 1_500, retainTurns: 4 }, pinned: ['Weights are in kilograms.'] },
  })
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const session = troupe.user('ada').session(clerk, { threadId: 'harbour' })
  for (let n = 1; n <= turns; n++) await session.generate(parcel(n))
  const answer = await session.chat('Which is the heaviest?')
  return { answer }
}

if (import.meta.main) console.log(await main())
