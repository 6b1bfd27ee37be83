/**
 * Plays the banking suite with the obedient model, or with a model of a provider to measure how useful it stays.
 *
 * npm run attacks:banking -- [--model provider/name] [--url http://host/v1] [--wording direct] [--all-wordings] [--rules]
 */
import { parseArgs } from 'node:util'
import { secretRef } from '../../../src/index.ts'
import { frames } from '../wordings.ts'
import { bankingPolicy } from './bank-tools.ts'
import { runSuite, suiteText } from './run-suite.ts'

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    url: { type: 'string' },
    wording: { type: 'string', multiple: true, default: ['important-instructions'] },
    'all-wordings': { type: 'boolean', default: false },
    'spell-out': { type: 'boolean', default: false },
    rules: { type: 'boolean', default: false },
    concurrency: { type: 'string', default: '4' },
  },
})
const chosen = values['all-wordings'] ? frames : Object.fromEntries(values.wording.map((name) => [name, frames[name]]))
for (const [name, wording] of Object.entries(chosen))
  if (!wording) throw new Error(`There is no wording ${name}: ${Object.keys(frames).join(', ')}`)
const { model, url } = values
const apiKey = process.env.AGENT_API_KEY === undefined ? {} : { apiKey: secretRef('AGENT_API_KEY') }
const registry = model !== undefined && url !== undefined ? { subject: { url, model, ...apiKey } } : undefined
const result = await runSuite({
  wordings: chosen as typeof frames,
  concurrency: Number(values.concurrency),
  ...(model === undefined ? {} : { model: registry ? 'subject' : model, spellOut: values['spell-out'] }),
  config: {
    ...(registry ? { models: { registry } as never } : {}),
    ...(values.rules ? { policy: bankingPolicy } : {}),
  },
})
console.log(`${model ?? 'obedient model'}: ${suiteText(result)}`)
if (result.attacked.length > 0) process.exitCode = 1
