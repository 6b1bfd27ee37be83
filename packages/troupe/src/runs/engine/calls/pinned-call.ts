/** The recorded tool call that a run executes with other arguments. It is pinned, so that each process executes the call. */
import { type Agent, toolCallAgent } from '../../../agents/index.ts'
import type { Pinned } from '../../machine/machine-events.ts'

export type PinnedCall = {
  /** The run of the recorded call. */
  readonly run: string
  readonly step: string
  readonly call: string
  readonly tool: string
}

export const withCall = (pinned: Pinned, toolCall: PinnedCall): Pinned => ({
  ...pinned,
  more: { ...(pinned.more as object | undefined), toolCall },
})

export const pinnedCallOf = ({ more }: Pick<Pinned, 'more'>): PinnedCall | undefined =>
  (more as { readonly toolCall?: PinnedCall } | undefined)?.toolCall

/** Returns the agents with which the run executes: of a run of one tool call, those that call the tool in place of a model. */
export function agentsOfCall(
  agents: ReadonlyMap<string, Agent>,
  pinned: Pick<Pinned, 'more'>,
): ReadonlyMap<string, Agent> {
  const call = pinnedCallOf(pinned)
  return call ? new Map([...agents].map(([name, agent]) => [name, toolCallAgent(agent, call.tool)])) : agents
}
