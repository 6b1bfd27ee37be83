/**
 * The threads of a user in runs. A run that is started with a thread claims it in the change of its start, so that a thread
 * has at most one run or step of a session at a time, and releases it in the change of its end. An agent alone continues the
 * messages in its steps, as in a session. A team gets the messages before it at its start, recorded with it, and the end of
 * the run appends the task and the response.
 */
import {
  createThreadStore,
  encodeTurn,
  type StepEntry,
  type ThreadMessages,
  type ThreadStore,
  threadKey,
  threadMessagesOf,
} from '../../../agents/index.ts'
import type { UserId, WorkInParts } from '../../../core/index.ts'
import type { EncodedBody } from '../../../journal/index.ts'
import type { Statement, Storage } from '../../../storage/index.ts'
import { taintOfTask } from '../../machine/labels/evolve-taint.ts'
import type { Command, Pinned } from '../../machine/machine-events.ts'
import type { RunAccount } from '../../machine/run/run-account.ts'
import type { State } from '../../machine/state.ts'
import { threadOf } from '../store/run-journals.ts'

/** The threads that runs continue. */
export interface RunThreads {
  readonly store: ThreadStore
  readonly messages: ThreadMessages
  /** Returns the statements of the change that ends the run, in parts: its messages, and the release of the thread. */
  ended(
    run: { readonly user: UserId; readonly run: string; readonly state: State },
    account: RunAccount,
  ): WorkInParts<readonly Statement[]>
  /** Returns the statements that release the thread of a run that ends without its journal. */
  released(user: UserId, pinned: Pinned): readonly Statement[]
}

export function createRunThreads(
  storage: Pick<Storage, 'dialect' | 'read' | 'commit'>,
  messages: ThreadMessages,
): RunThreads {
  const store = createThreadStore(storage)
  const released: RunThreads['released'] = (user, { thread }) =>
    thread ? store.ended(user, threadKey(thread)).statements : []
  return {
    store,
    messages,
    released,
    *ended({ user, run, state }, account) {
      const { pinned, task } = state.run
      const { thread } = pinned
      if (!thread) return []
      if (thread.kind === 'agent') return released(user, pinned)
      const { status, response, taint } = account
      const [message, answer] = yield* encodeTurn(task, status === 'completed' ? response : undefined)
      const turn = [
        { messages: [message as EncodedBody], taint: taintOfTask(state) ?? [] },
        ...(answer === undefined ? [] : [{ messages: [answer], taint: taint ?? [] }]),
      ]
      const name = threadMessagesOf(threadKey(thread))
      const appended = turn.flatMap(
        (added, i) => messages.append(user, name, thread.length + i, { ...added, run }).statements,
      )
      return [...appended, ...released(user, pinned)]
    },
  }
}

/** Returns the id of the thread that a step continues: of the user, or inside of the run. */
export const stepThread = (
  run: string,
  { thread }: Pick<Pinned, 'thread'>,
  { branch, name, isServing }: { readonly branch: string; readonly name: string; readonly isServing: boolean },
): string =>
  thread?.kind === 'agent' && !isServing && rootBranch.test(branch)
    ? threadMessagesOf(threadKey(thread))
    : threadOf(run, name)

/** The branch of a run's only entry, in each attempt of the run. */
const rootBranch = /^(?:\d+~)?1$/

/** Returns true for a thread of the user, and false for one inside of a run. */
export const isThreadOfUser = (thread: string): boolean => thread.startsWith(threadMessagesOf(''))

/** Returns the thread that a step continues, with the run if the thread belongs to the user. */
export function threadOfStep(
  run: string,
  pinned: Pinned,
  { branch, thread: name, serve }: Extract<Command, { readonly type: 'step.execute' }>,
): Pick<StepEntry, 'thread' | 'threadRun'> {
  const thread = stepThread(run, pinned, { branch, name, isServing: serve !== undefined })
  return isThreadOfUser(thread) ? { thread, threadRun: run } : { thread }
}
