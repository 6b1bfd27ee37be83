/** Reads the thread that a new run continues, and claims it in the change of the start. */
import {
  type ThreadPartner,
  taintOfMessages,
  threadHistory,
  threadKey,
  threadMessagesOf,
} from '../../../agents/index.ts'
import { checkName, invalidInput, joinTaint, type UserId } from '../../../core/index.ts'
import type { Pinned } from '../../machine/machine-events.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import type { NewRun } from '../starts/start-run.ts'

/**
 * Returns the run with what it reads of its thread at its start, and with the statements that claim the thread.
 * @throws ValidationError for a name that is not valid, and for a team that has none
 */
export async function withThread(
  { agents, stores: { threads } }: Pick<OrchestraParts, 'agents' | 'stores'>,
  user: UserId,
  { spec, ...start }: NewRun,
  threadId: string,
): Promise<NewRun> {
  checkName('thread', threadId)
  const partner = partnerOf(agents, spec.pinned, threadId)
  const thread = threadKey(partner)
  const state = await threads.store.read(user, thread)
  const stored = await threads.messages.load(user, threadMessagesOf(thread))
  const isAlone = partner.kind === 'agent'
  const history = isAlone ? undefined : threadHistory(partner.name, stored)
  const pinned: Pinned = {
    ...spec.pinned,
    thread: { ...partner, length: stored.length },
    ...(history ? { history } : {}),
  }
  // A step that reads the messages gets their labels from them.
  const taint = isAlone ? spec.taint : joinTaint(spec.taint ?? [], taintOfMessages(stored))
  const { statements } = threads.store.beginRun(user, partner, state, { kind: 'run', run: start.run, input: spec.task })
  return { ...start, spec: { ...spec, pinned, ...(taint ? { taint } : {}), statements } }
}

/** An agent alone has the same thread as in a session. */
function partnerOf(agents: OrchestraParts['agents'], { topology }: Pinned, threadId: string): ThreadPartner {
  const name = agents.teamOf(topology)
  if (name === undefined)
    throw invalidInput(
      'orchestra.start.threadId',
      'a thread needs an agent or a registered team: name one as agent or team, or register the topology in createTroupe({ teams })',
    )
  const [only, ...others] = topology.nodes.filter(({ kind }) => kind === 'agent')
  return { threadId, name, kind: others.length === 0 && only?.agent === name ? 'agent' : 'team' }
}
