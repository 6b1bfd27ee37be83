/** Explains the effects of an ended run whose outcome was unknown. */
import type { RecordedEffect } from '../../../journal/index.ts'
import type { NumberedEvent } from '../../engine/events/run-event.ts'
import type { PastRun } from '../past-run.ts'
import type { ExplanationLine } from './explanation-line.ts'

/** The recorded effects, by step. */
export type EffectsByStep = ReadonlyMap<string, readonly RecordedEffect[]>

type StepWaiting = Extract<NumberedEvent, { readonly type: 'step.waiting' }>

/** Returns each effect that was uncertain in a step of the run. */
export const uncertainWaits = (events: readonly NumberedEvent[]): readonly StepWaiting[] =>
  events.filter((event) => event.type === 'step.waiting' && event.reason === 'uncertain') as StepWaiting[]

export function explainUncertain(past: PastRun, effects: EffectsByStep = new Map()): readonly ExplanationLine[] {
  const explained = new Set<string>()
  return uncertainWaits(past.events).flatMap(({ step, agent, detail, seq }) => {
    const { call, effect } = (detail ?? {}) as { readonly call?: string; readonly effect?: string }
    const found = effects.get(step)?.find((each) => each.call === call)
    if (!found || explained.has(`${step} ${call}`)) return []
    explained.add(`${step} ${call}`)
    return [{ about: 'uncertain' as const, text: outcomeOf(found, `The effect ${effect} of ${agent} (${step})`), seq }]
  })
}

function outcomeOf({ state }: RecordedEffect, effect: string): string {
  if (state === 'done' || state === 'failed') return `${effect} was uncertain; it is known by now to have happened.`
  if (state === 'not-happened') return `${effect} was uncertain; it is known by now not to have happened.`
  return `${effect} may have happened or not: find out, then call run.resolve().`
}
