/** A user of a browser: the model reads pages as text, fills a form and sends it once. The browser is scripted. */
import { createTroupe, LlmAgent } from 'troupe'
import { MockModel } from 'troupe/testing'
import { type Browser, browserTools } from 'troupe/tools'

export async function main() {
  const fields = new Map<string, string>()
  const url = 'https://shop.example/tea'
  const form = { url, title: 'Tea', text: 'Order tea. [field: count] [button: send]' }
  const browser: Browser = {
    open: async () => form,
    act: async (action) => {
      if (action.type === 'click') return { url, title: 'Thanks', text: `Ordered: ${fields.get('field: count')} tins.` }
      fields.set(action.target, action.text)
      return form
    },
  }
  const use = (action: object) => ({ toolCalls: [{ name: 'use_page', args: { action } }] })
  const model = new MockModel({
    responses: [
      { toolCalls: [{ name: 'open_page', args: { url } }] },
      use({ type: 'fill', target: 'field: count', text: '3' }),
      use({ type: 'click', target: 'button: send' }),
      'Three tins are ordered.',
    ],
  })
  const buyer = new LlmAgent({ name: 'Buyer', model: process.env.MODEL ?? model, tools: browserTools(browser) })
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const { orchestra } = troupe.user('ada')
  const run = await orchestra.start({ agent: buyer, task: 'Order three tins of tea.' })
  const answer = await run.output()
  const { identical } = await orchestra.verifyReplay(run.id)
  return { answer, lastPage: JSON.stringify(model.calls.at(-1)?.prompt ?? '').includes('Ordered: 3 tins.'), identical }
}

if (import.meta.main) console.log(await main())
