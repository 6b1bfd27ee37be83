/** Context in the prompt: for what stays while an agent works. What changes it reads with its tools. */
import { createTroupe } from 'troupe'
import { buildSystemPrompt } from 'troupe/tools'

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'error' })
  const ada = troupe.user('ada')
  await ada.context.push('company_vision', 'to help')
  await ada.context.push('return_policy', { days: 30 })
  await ada.agent('Sales').context.push('margin', 0.4, { audience: 'owner' })

  const support = ada.agent('Support')
  const repeated: unknown[] = []
  troupe.on('prompt.repeated', ({ agent }) => repeated.push(agent))

  const fixed = await buildSystemPrompt(support, {
    template: 'You are {name}, and help customers.\n\n{context}',
    keys: ['company_vision'],
    fallback: 'Nothing is known yet.',
  })
  support.tools.definitions() // handed to a model: it reads the rest when it needs it

  // Everything it can see, within a budget. With its tools as well the model would be paid for it twice: that is said.
  const everything = await buildSystemPrompt(support, { header: 'What we know:', maxTokens: 500 })
  return { fixed, everything, repeated }
}

if (import.meta.main) console.log(await main())
