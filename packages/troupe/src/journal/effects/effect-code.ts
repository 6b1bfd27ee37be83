/** Runs the code of an effect: `ctx` is rejected inside, and what the code reads by other handles labels the outcome. */
import {
  type Json,
  joinTaint,
  type Principal,
  reportCallback,
  runWithStepTaint,
  type StepTaint,
  type TaintLabel,
} from '../../core/index.ts'
import type { EffectCall, EffectFunction, EffectSpec, Reconciled } from '../effect-port.ts'
import type { Execution } from '../steps/execution.ts'
import type { TaintScope } from '../steps/taint-scope.ts'
import { checkVerdict } from './check-effect.ts'

interface EffectCode<Out> {
  readonly execution: Execution
  readonly name: string
  readonly fn: EffectFunction<Out>
  readonly key: string
}

interface LabelledEffect {
  readonly execution: Pick<Execution, 'signal' | 'spec'>
  readonly scope: TaintScope
  taint: readonly TaintLabel[]
}

/** The labels of an effect, to which its code adds those of its outcome. */
export class EffectTaint implements StepTaint {
  readonly #effect: LabelledEffect

  constructor(effect: LabelledEffect) {
    this.#effect = effect
  }

  get signal(): AbortSignal {
    return this.#effect.execution.signal
  }

  get runId(): string | undefined {
    return this.#effect.execution.spec.runId
  }

  get principal(): Principal {
    return this.#effect.execution.spec.principal
  }

  get taint(): readonly TaintLabel[] {
    return joinTaint(this.#effect.scope.taint, this.#effect.taint)
  }

  addTaint(labels: readonly TaintLabel[]): void {
    this.#effect.taint = joinTaint(this.#effect.taint, labels)
  }
}

/** Calls the function of an effect, which sees the abort of the step. */
export function callEffect<Out>(
  { execution, name, fn, key }: EffectCode<Out>,
  stepTaint: StepTaint,
  granted?: Json,
): Promise<Out> {
  const { signal } = execution
  const taint: EffectCall['taint'] = (labels) => stepTaint.addTaint(labels)
  const effectCall: EffectCall = { key, taint, signal, ...(granted === undefined ? {} : { granted }) }
  return runCode({ execution, name }, stepTaint, async () => fn(effectCall))
}

/** Runs code of an effect in its own async context. */
export const runCode = <Out>(
  { execution, name }: Pick<EffectCode<Out>, 'execution' | 'name'>,
  stepTaint: StepTaint,
  run: () => Promise<Out>,
): Promise<Out> =>
  execution.options.effectScope.run({ execution, effect: name }, () => runWithStepTaint(stepTaint, run))

/** Asks the code for the outcome of an effect, which stays unknown without `reconcile`. */
export async function reconcile<Out>(
  effect: LabelledEffect & Pick<EffectCode<Out>, 'execution' | 'name'> & { readonly spec: EffectSpec<Out> },
  key: string,
): Promise<Reconciled<Out>> {
  const { execution, name, spec } = effect
  if (!spec.reconcile) return 'unknown'
  const { clock, events } = execution.options
  try {
    const { reconcile: ask } = spec
    return checkVerdict(name, await runCode(effect, new EffectTaint(effect), async () => ask(key)))
  } catch (error) {
    if (events) reportCallback({ clock, events }, { callback: 'reconcile', name }, error)
    return 'unknown'
  }
}
