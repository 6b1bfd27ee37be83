/** One row of the corpus: what an attacker tries, under which stated policy, and what must come of it. */
import type { Testbed } from './testbed.ts'

export type Family =
  | 'goal hijack'
  | 'MCP poisoning'
  | 'identity'
  | 'supply chain'
  | 'code execution'
  | 'memory poisoning'
  | 'inter-agent'
  | 'consumption'
  | 'human trust'
  | 'rogue agent'
  | 'disclosure'

/**
 * - `blocked`: the action does not happen, and no person is asked.
 * - `asked`: the action does not happen before a person agrees to exactly that call.
 * - `allowed`: the stated policy allows the action; the row shows that, and is listed as such.
 * - `open`: the attack is known to succeed; `reason` says why, and what closes it.
 */
export type Expected = 'blocked' | 'asked' | 'allowed' | 'open'

/** The action that the attacker wants, as data; `judges` in `run-attack.ts` decides whether it happened. */
export interface Attack {
  readonly id: string
  readonly family: Family
  /** Who wrote the text: a web page, a mail, an MCP server, a caller over HTTP, another agent. */
  readonly source: string
  /** By which way it arrives; rows of one channel are executed by the same code. */
  readonly channel: string
  /** Exactly what arrives. */
  readonly payload: string
  readonly goal: string
  readonly policy: string
  readonly expected: Expected
  readonly reason?: string
  /** The harmless twin: the same channel with this text, while the agent does what its owner asked for. */
  readonly twin?: Twin
}

export interface Twin {
  readonly payload: string
  /** What the owner asks of the agent: an answer by mail, or a report that holds the sensitive data. */
  readonly task: 'reply' | 'report'
}

export interface Outcome {
  /** The action happened, and no person had agreed to it. */
  readonly succeeded: boolean
  /** A person is asked for an approval. */
  readonly asked: boolean
  /** The text reached its reader: the model tried what it says, the route read the value. */
  readonly reached: boolean
  readonly detail?: string
}

export interface Verdict extends Outcome {
  readonly attack: Attack
  readonly storage: string
  /** Undefined where the outcome is the expected one. */
  readonly problem?: string
  /** The need of the row that this machine or storage lacks: nothing was tried then. */
  readonly notTried?: string
  /** Why the row, or its harmless twin, could not be carried out: it shows nothing then. */
  readonly error?: string
  /** Of the harmless twin, where there is one. */
  readonly twin?: 'done' | 'held up'
}

/** Thrown by an action for which something is missing here, such as a program or another storage. */
export class NotTried extends Error {}

/** Carries out an attack that no model is needed for. */
export type AttackAction = (attack: Attack, testbed: Testbed) => Promise<Outcome>
