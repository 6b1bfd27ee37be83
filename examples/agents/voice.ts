/** A team that is spoken to and speaks: a listener, a clerk and a speaker. The voice service is scripted. */
import { createTroupe, LlmAgent } from 'troupe'
import { MockModel } from 'troupe/testing'
import { file, type Voice, voiceAgents } from 'troupe/tools'

const audioOf = (text: string) => file(Buffer.from(text), { mediaType: 'audio/wav' })

export async function main() {
  const calls: string[] = []
  // The bytes of the audio are the spoken text.
  const voice: Voice = {
    transcribe: async ({ data }) => {
      calls.push('transcribe')
      return Buffer.from(data, 'base64').toString()
    },
    speak: async (text) => {
      calls.push('speak')
      return audioOf(text)
    },
  }
  const { listener, speaker } = voiceAgents(voice)
  const model = new MockModel({
    responses: [({ prompt }) => (JSON.stringify(prompt).includes('open') ? 'Until six.' : '?')],
  })
  const clerk = new LlmAgent({
    name: 'Clerk',
    instructions: 'Answer in one sentence.',
    model: process.env.MODEL ?? model,
  })
  const topology = {
    agents: [listener, clerk, speaker],
    flows: ['Start -> Listener', 'Listener -> Clerk', 'Clerk -> Speaker', 'Speaker -> End'],
  }
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const { orchestra } = troupe.user('ada')
  const run = await orchestra.start({ topology, task: audioOf('How long are you open?') })
  const answer = (await run.output()) as ReturnType<typeof audioOf>
  const { identical } = await orchestra.verifyReplay(run.id)
  return { spoken: Buffer.from(answer.data, 'base64').toString(), mediaType: answer.mediaType, calls, identical }
}

if (import.meta.main) console.log(await main())
