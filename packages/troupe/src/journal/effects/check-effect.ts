/** Checks the arguments of an effect, before anything of it is recorded. */
import { checkFunction, checkOptions, fieldOf, invalidInput, show } from '../../core/index.ts'
import type { EffectClass, EffectSpec, Reconciled } from '../effect-port.ts'

const classes: readonly EffectClass[] = ['pure', 'read', 'idempotent', 'at-most-once']
const options = ['class', 'key', 'input', 'request', 'reconcile', 'begun', 'undo', 'claim', 'charge', 'taint'] as const

/** @throws ValidationError that names the invalid argument */
export function checkEffect<Out>(name: string, spec: EffectSpec<Out>, fn: unknown): void {
  const wrong = (problem: string) => invalidInput(`The effect ${show(name)}`, problem)
  if (typeof name !== 'string' || name === '') throw wrong('its name is not a text')
  checkOptions(`the effect ${name}`, spec, options)
  if (!classes.includes(spec.class)) throw wrong(`its class is ${show(spec.class)}, not one of ${classes.join(', ')}`)
  if (spec.key !== undefined && (typeof spec.key !== 'string' || spec.key === '')) throw wrong('its key is not a text')
  // The list of uncertain effects stores them unchanged.
  for (const [part, text] of [['name', name] as const, ['key', spec.key ?? ''] as const])
    if (text.includes('\0') || !text.isWellFormed()) throw wrong(`its ${part} holds NUL or half of a surrogate pair`)
  for (const part of ['request', 'reconcile', 'undo', 'claim', 'charge'] as const)
    if (spec[part] !== undefined) checkFunction(`The ${part} of the effect ${name}`, spec[part])
  checkFunction(`The function of the effect ${name}`, fn)
}

const verdicts: readonly unknown[] = ['happened', 'not', 'unknown']

/**
 * Checks the answer of `reconcile`.
 * @throws ValidationError for any other answer: an effect must not count as happened or as not happened because of it
 */
export function checkVerdict<Out>(name: string, verdict: Reconciled<Out>): Reconciled<Out> {
  if (verdicts.includes(verdict) || fieldOf(verdict, 'happened') === true) return verdict
  const problem = `it must be 'happened', 'not', 'unknown' or { happened: true, output }, got ${show(verdict)}`
  throw invalidInput(`The answer of reconcile of the effect ${name}`, problem)
}
