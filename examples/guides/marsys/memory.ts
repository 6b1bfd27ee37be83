/** What an agent has in mind, seven things at most, and what it remembers of before, the most alike first. */
import { createTroupe, LlmAgent, WorkingMemory } from 'troupe'
import { MockModel } from 'troupe/testing'

export async function main() {
  const model = new MockModel({ responses: ['Oil it.'] })
  const handyman = new LlmAgent({
    name: 'Handyman',
    instructions: 'You repair things.',
    model,
    memory: { working: { capacity: 7 }, episodic: { maxEpisodes: 100, limit: 2 } },
  })
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  const { episodic } = ada.memory('Handyman')
  for (const episode of [
    'The bicycle chain was oiled, and stopped squeaking.',
    'The kettle was descaled with vinegar.',
    'The door hinge squeaked until it was oiled.',
  ])
    await episodic.add(episode)

  // What is alike is in the prompt by itself, and the new episode is kept with the turn.
  const answer = await ada.session(handyman).chat('How do I stop a squeaking hinge?')
  const prompt = JSON.stringify(model.calls[0]?.prompt)
  const [latest] = await episodic.retrieveSimilar('How do I stop a squeaking hinge?')

  // The same idea in the memory of a process, for code of one's own.
  const working = new WorkingMemory<string>({ capacity: 2 })
  working.add('the hinge squeaks', { priority: 1 })
  working.add('it rains')
  const displaced = working.add('the shop closes at six', { priority: 0.5 })
  return {
    answer,
    shown: ['chain', 'hinge squeaked', 'kettle'].filter((word) => prompt.includes(word)),
    retained: JSON.stringify(latest?.content).includes('Oil it.'),
    inMind: working.items().map(({ content }) => content),
    displaced: displaced?.content,
  }
}

if (import.meta.main) console.log(await main())
