/** A support desk: the model looks at the customer's screen, and a person approves the money that leaves the house. */
import { createTroupe, defineTool, LlmAgent } from 'troupe'
import { MockModel } from 'troupe/testing'
import { image } from 'troupe/tools'
import { z } from 'zod'

/** A PNG of one red pixel stands for the screen of a customer. */
const screen = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC',
  'base64',
)

const scripted = () =>
  new MockModel({
    responses: [
      { toolCalls: [{ name: 'screenshot', args: { order: 17 } }] },
      ({ prompt }) => {
        // The model gets the screenshot as an image, and not as text.
        if (!/"type":"file","mediaType":"image\/png"/.test(JSON.stringify(prompt)))
          throw new Error('There is no screenshot.')
        return { toolCalls: [{ name: 'refund', args: { order: 17, amount: 12.5 } }] }
      },
      'Order 17 was lost on its way. 12.50 are on the way back to you.',
    ],
  })

export async function main() {
  const refunds: { readonly order: number; readonly amount: number }[] = []
  const screenshot = defineTool({
    name: 'screenshot',
    description: 'Shows the page that the customer sees.',
    inputSchema: z.object({ order: z.number() }),
    effect: 'read',
    execute: async () => [{ type: 'text', text: 'The page of the order.' }, image(screen, { mediaType: 'image/png' })],
  })
  const refund = defineTool({
    name: 'refund',
    description: 'Pays money back.',
    inputSchema: z.object({ order: z.number(), amount: z.number() }),
    effect: 'at-most-once',
    needsApproval: true,
    execute: async (asked) => {
      refunds.push(asked)
      return 'paid'
    },
  })
  const support = new LlmAgent({
    name: 'Desk',
    instructions: 'Help the customer. Look at the page first; refund what was lost.',
    model: process.env.MODEL ?? scripted(),
    tools: [screenshot, refund],
  })
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const { orchestra } = troupe.user('ada')
  const run = await orchestra.start({ agent: support, task: 'Where is my order 17?' })
  const { questions } = await run.result()
  const [question] = questions
  if (!question) throw new Error('Nobody was asked.')
  const asked = { tool: question.tool, args: question.args, refundsBefore: refunds.length }
  await run.answer(question.id, { approve: true, hash: question.hash ?? '' })
  return { asked, answer: await run.output(), refunds }
}

if (import.meta.main) console.log(await main())
