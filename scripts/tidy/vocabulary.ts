/**
 * The words that names must not use, each with the word of the field that replaces it: GLOSSARY.md, "Words that go".
 * A word is a sub-word of a name (`told` in `onTold`) or several in sequence (`give-up` in `giveUp`).
 */

export interface BannedWords {
  readonly words: readonly string[]
  readonly instead: string
  /**
   * `part`, the default: anywhere in a name. `name`: only a name that consists of nothing else, letter for letter,
   * because the word is ordinary in longer names. `variable`: only the name of a variable, parameter or import.
   */
  readonly as?: 'part' | 'name' | 'variable'
  /** The folders in which the word is banned, because it is ordinary elsewhere. */
  readonly in?: readonly string[]
}

const machine = ['packages/troupe/src/runs/machine']
const stepEngine = ['packages/troupe/src/journal']
const simulation = ['packages/troupe/test/simulation', 'packages/troupe/src/testing/simulation']

export const bannedWords: readonly BannedWords[] = [
  { words: ['hands'], instead: 'a client (ContextClient, MessageClient) or a context (ToolContext, StepContext)' },
  { words: ['told', 'tell', 'tells', 'telling', 'teller', 'untold'], instead: 'emit, notify or report' },
  { words: ['kept', 'keep', 'keeps', 'keeper', 'keeping', 'unkept'], instead: 'stored, retained or cached' },
  { words: ['stand', 'stands', 'stood', 'standing'], instead: 'status or state' },
  { words: ['taken', 'take-up', 'takes-up', 'takeable'], instead: 'claimed' },
  { words: ['take-in', 'takes-in'], instead: 'drainInbox' },
  { words: ['give-up', 'gave-up', 'given-up', 'gives-up'], instead: 'abandon' },
  { words: ['let-go', 'lets-go'], instead: 'release' },
  { words: ['go-on', 'goes-on', 'went-on', 'carry-on', 'carries-on', 'carried-on'], instead: 'resume' },
  { words: ['again', 'anew'], instead: 'retry, restart or recheck' },
  { words: ['reentry', 're-entry', 'reenter', 'entered-anew'], instead: 'execute or replay' },
  { words: ['ways', 'way-on', 'exits'], instead: 'Flow or nextTargets' },
  { words: ['way-out', 'ways-out'], instead: 'egress' },
  { words: ['ring', 'rings', 'rung', 'ringing', 'bell', 'bells'], instead: 'notify or Notifier' },
  { words: ['ear', 'ears', 'heard', 'unheard'], instead: 'Listener or received' },
  { words: ['life'], instead: 'Execution' },
  { words: ['poke'], instead: 'requestRun' },
  { words: ['quiet', 'look'], instead: 'onIdle, or poll', as: 'name', in: stepEngine },
  { words: ['Mail'], instead: 'InboxReader', as: 'name' },
  { words: ['Post'], instead: 'MessagingContext', as: 'name' },
  { words: ['Dispatch'], instead: 'OutboundQueue', as: 'name' },
  { words: ['Running'], instead: 'WorkerRunner', as: 'name' },
  { words: ['Delivered', 'Try', 'EarlierTries'], instead: 'DeliveryHandle, DeliveryAttempt', as: 'name' },
  { words: ['bury', 'buried', 'buries'], instead: 'deadLetter' },
  { words: ['freed', 'upkeep', 'notices'], instead: 'onCapacityFreed, maintenance or systemMessages' },
  { words: ['recall', 'recalled', 'recalls'], instead: 'cancel or cancel requested' },
  { words: ['fall', 'falls', 'fallen'], instead: 'failBranch' },
  { words: ['met', 'able'], instead: 'joinCounts, satisfied or reachableCounts', as: 'name' },
  { words: ['away', 'Away'], instead: 'blocked', as: 'name' },
  { words: ['prints'], instead: 'progressHashes', as: 'name' },
  { words: ['stale', 'lost', 'pair', 'opens'], instead: 'what it counts or holds', as: 'name', in: machine },
  { words: ['forgiven'], instead: 'errorHandled' },
  { words: ['stand-in'], instead: 'substitute' },
  { words: ['move-in-place'], instead: 'retryInPlace' },
  { words: ['First', 'Forked'], instead: 'RunSpec, ForkedSpec', as: 'name' },
  { words: ['Left', 'Share', 'HeldFor'], instead: 'RemainingBudget, BudgetShare, Reservation', as: 'name' },
  { words: ['adopt', 'adopted', 'adopts', 'broken-down'], instead: 'loadRun or failFatally' },
  { words: ['give-back', 'given-back'], instead: 'requeue' },
  { words: ['collected', 'rivals', 'rival', 'contended'], instead: 'CommitSet, conflicts, isConflicting' },
  { words: ['Inside'], instead: 'EffectScope', as: 'name' },
  { words: ['run-rest', 'run-returns', 'run-offers', 'run-notes', 'patience'], instead: 'RunOwnership' },
  { words: ['elsewhere'], instead: 'owned by another process' },
  { words: ['deed', 'deeds'], instead: 'AuditEntry or action' },
  { words: ['sweep', 'sweeps', 'swept', 'sweeper', 'sweeping'], instead: 'cleanup, or reencrypt' },
  { words: ['seal', 'sealed', 'seals', 'sealing', 'unseal', 'unsealed'], instead: 'encrypt or encrypted' },
  { words: ['forgotten', 'forgetting'], instead: 'ErasureResult or erasure' },
  { words: ['Stays'], instead: 'SessionGuard', as: 'name' },
  { words: ['why-not-public'], instead: 'privateAddressReason' },
  { words: ['silence'], instead: 'Keepalive' },
  { words: ['sole', 'hint-line', 'stuck-away'], instead: 'SingleWriter, ListenConnection, cancelBlockers' },
  { words: ['place', 'places', 'placed'], instead: 'what it is: ConnectionTarget, ValueLocation, LanePosition' },
  { words: ['meaning', 'meanings'], instead: 'ErrorClass' },
  { words: ['patient', 'checkup', 'desk'], instead: 'DoctorSubject, DoctorContext, QuestionInbox' },
  { words: ['take-answers'], instead: 'acceptAnswers' },
  { words: ['Opening', 'borrowed', 'borrow'], instead: 'Startup, SharedServices', as: 'name' },
  { words: ['given', 'served-of'], instead: 'config, serverOf' },
  { words: ['moment', 'moments', 'occasion'], instead: 'RunView, ScheduleTrigger' },
  { words: ['run-behind', 'text-behind', 'undone'], instead: 'StaleRun, plainText, RunUndoResult' },
  { words: ['Origin', 'Why', 'BreakOnOption', 'Drained', 'LastGood'], instead: 'the word of GLOSSARY.md', as: 'name' },
  { words: ['Sentence'], instead: 'ExplanationLine', as: 'name' },
  { words: ['settle', 'settled', 'settles', 'settling'], instead: 'resolve' },
  { words: ['continue', 'continued', 'continues', 'continuing'], instead: 'resume' },
  { words: ['convergence', 'barrier', 'barriers', 'meeting', 'meetings'], instead: 'join' },
  { words: ['conversation', 'conversations'], instead: 'thread' },
  { words: ['refuse', 'refused', 'refuses', 'refusal', 'refusals'], instead: 'reject; a person or a policy refuses' },
  { words: ['made-by', 'because', 'said-of'], instead: 'writeVersion, causes, explainWaits' },
  { words: ['said', 'says', 'say', 'unsaid', 'touched', 'touch'], instead: 'what it is' },
  { words: ['most', 'many', 'together', 'apart', 'whole'], instead: 'maxX, batchLimits, complete', as: 'name' },
  { words: ['apart'], instead: 'unbatched' },
  { words: ['slip', 'legible', 'surroundings'], instead: 'nearestName, readable, EventContext' },
  { words: ['tape', 'tapes', 'taped'], instead: 'Recording' },
  { words: ['Turns'], instead: 'MacrotaskQueue', as: 'name' },
  { words: ['house', 'room', 'rooms', 'roomy', 'door', 'doors'], instead: 'module or entry point' },
  { words: ['drawer', 'shelf', 'floor'], instead: 'what it is' },
  { words: ['world', 'worlds'], instead: 'testbed or simulation' },
  { words: ['actor', 'actors', 'script'], instead: 'testbed, client or scenario', in: simulation },
  { words: ['figure', 'figures', 'likeness', 'dear'], instead: 'metric, value, similarity or expensive' },
  { words: ['who', 'whom', 'whose', 'whoever'], instead: 'the component, the process, the caller or the recipient' },
  { words: ['nobody', 'nobodys', 'somebody', 'everybody'], instead: 'the component, the process or the recipient' },
  { words: ['process', 'module'], instead: 'another name: it is a global of Node', as: 'variable' },
]

export interface Exemption {
  /** Names of which the banned word may be a part, as sub-words in sequence. */
  readonly words: readonly string[]
  /** Files and folders; everywhere where absent. */
  readonly at?: readonly string[]
  readonly reason: string
}

const compat = 'packages/troupe/src/compat'

export const exemptions: readonly Exemption[] = [
  { words: ['keep-alive'], reason: 'HTTP and TCP keep-alive, in the names of Node' },
  { words: ['all-settled', 'settled-result'], reason: 'Promise.allSettled' },
  { words: ['floor'], reason: 'Math.floor' },
  { words: ['user-forgotten'], reason: 'the API verb of erasure is `forget`, and its event and code say so' },
  { words: ['open-world-hint'], reason: 'a field of the Model Context Protocol' },
  { words: ['capacity-freed', 'retry-in-place'], reason: 'GLOSSARY.md names onCapacityFreed and retryInPlace' },
  { words: ['key-ring', 'ring-key'], reason: 'a key ring of envelope encryption' },
  {
    words: ['ring'],
    at: [
      'packages/troupe/src/topology',
      'packages/troupe/src/runs/machine',
      'packages/troupe/test',
      'packages/studio/test',
    ],
    reason: 'the topology pattern',
  },
  { words: ['Left'], at: ['packages/studio/src/parts/graph.tsx'], reason: 'Position.Left of React Flow' },
  { words: ['Sentence'], at: ['packages/troupe/src/models/extractive'], reason: 'a sentence of a text' },
  { words: ['meeting'], at: ['examples/guides/ceylon/meeting.ts'], reason: 'the example arranges a meeting of people' },
  { words: ['place-order'], reason: 'the example message: to place an order' },
  {
    words: ['convergence', 'auto-detect-convergence', 'convergence-policy', 'convergence-timeout'],
    at: [`${compat}/marsys`, 'examples/guides/marsys'],
    reason: 'words of MARSYS',
  },
  { words: ['continue-on-error'], at: [`${compat}/syntha`, 'examples/guides/syntha'], reason: 'an argument of Syntha' },
]
