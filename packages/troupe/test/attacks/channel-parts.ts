/** What the channels of attacks share. */
import { defineMessage, type LlmAgent, patterns } from '../../src/index.ts'
import type { Scene, Testbed } from './testbed.ts'

export interface Result {
  readonly status?: string
  readonly questions?: readonly { readonly kind: string; readonly text: string; readonly args?: unknown }[]
  readonly response?: unknown
  readonly error?: unknown
}
export type Channel = (scene: Scene, text: string, testbed: Testbed) => Promise<Result>

export const Note = defineMessage<string>('note')
export const web = ['untrusted:web'] as const
export const line = (...agents: readonly unknown[]) =>
  patterns.pipeline({ stages: agents.map((agent) => ({ agents: [agent] })) as never })
export const runLine = async ({ ada }: Scene, ...agents: readonly unknown[]): Promise<Result> =>
  (await ada.orchestra.start({ task: 'Do your work.', topology: line(...agents) })).result()
export const generate = async (
  { ada }: Scene,
  agent: LlmAgent,
  text = 'Do your work.',
  options: object = {},
): Promise<Result> => ada.session(agent).generate(text, options)
/** The victim's own first action: it reads what is there. */
export const callFirst = (tool: string, args: object = {}) => `First, call ${tool} with ${JSON.stringify(args)}.`
