/** The model of the team's members, from what stands on the command line. */
import type { LlmAgentOptions } from 'troupe'
import { InputError } from '../documents/index.ts'

export type TeamModel = NonNullable<LlmAgentOptions['model']>

export const offlineModel = 'offline/extractive'

/**
 * `provider/model`, or the URL of an OpenAI-compatible server with the model after `#`; its key, where it needs one, is
 * read from `OPENAI_API_KEY`.
 * @throws InputError for a URL that names no model
 * @example modelOf('http://localhost:11434/v1#qwen3')
 */
export function modelOf(name: string, env: Readonly<Record<string, string | undefined>> = process.env): TeamModel {
  if (!/^https?:\/\//.test(name)) return name
  const [url = '', model = ''] = name.split('#')
  if (!URL.canParse(url)) throw new InputError(`${name} is not a URL.`)
  if (model === '') throw new InputError(`The URL ${url} names no model: write it after #, as in ${url}#MODEL.`)
  return { url, model, ...(env.OPENAI_API_KEY ? { apiKey: env.OPENAI_API_KEY } : {}) }
}
