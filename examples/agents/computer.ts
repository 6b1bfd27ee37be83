/** An operator of a computer: the model sees the screen as an image, and each click happens once. The computer is scripted. */
import { createTroupe, LlmAgent } from 'troupe'
import { MockModel } from 'troupe/testing'
import { type Computer, type ComputerAction, computerTools, image } from 'troupe/tools'

/** A PNG of one red pixel stands for each screen. */
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC'

export async function main() {
  const actions: ComputerAction[] = []
  const computer: Computer = {
    screenshot: async () => image(pixel, { mediaType: 'image/png' }),
    act: async (action) => void actions.push(action),
  }
  const model = new MockModel({
    responses: [
      { toolCalls: [{ name: 'look_at_screen' }] },
      { toolCalls: [{ name: 'use_computer', args: { action: { type: 'click', x: 40, y: 12 } } }] },
      'The light is on.',
    ],
  })
  const operator = new LlmAgent({ name: 'Operator', model: process.env.MODEL ?? model, tools: computerTools(computer) })
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const { orchestra } = troupe.user('ada')
  const run = await orchestra.start({ agent: operator, task: 'Switch the light on.' })
  const answer = await run.output()
  const { identical } = await orchestra.verifyReplay(run.id)
  const images = JSON.stringify(model.calls.at(-1)?.prompt ?? '').split('"mediaType":"image/png"').length - 1
  return { answer, actions, images, identical }
}

if (import.meta.main) console.log(await main())
