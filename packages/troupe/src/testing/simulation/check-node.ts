/** Checks what a scenario asks of a simulation and its nodes. */
import { checkFunction, checkOptions, checkText, invalidInput, listOf, show } from '../../core/index.ts'
import { checkInteger } from '../../resilience/index.ts'
import type { SimulatedNodeOptions } from './simulation.ts'

/** @throws ValidationError for a name that is not a text, a start that is no function, and an invalid or unknown option */
export function checkNode(name: string, start: unknown, options: SimulatedNodeOptions): void {
  const where = `The node ${checkText('The name of a node', name)}`
  checkFunction(`The start of the node ${name}`, start)
  checkOptions(where, options, ['kills', 'within', 'killAt', 'restartMs'])
  for (const [option, lowest] of [
    ['kills', 0],
    ['within', 1],
    ['restartMs', 0],
  ] as const)
    if (options[option] !== undefined) checkInteger(where, option, options[option], lowest)
  for (const event of listOf(`${where}.killAt`, options.killAt ?? [])) checkInteger(where, 'killAt', event, 0)
}

/** @throws ValidationError for a value that is not a number of ms */
export function checkMs(method: string, ms: number): number {
  if (Number.isFinite(ms)) return ms
  throw invalidInput(`simulation ${method}`, `it must be a number of ms, got ${show(ms)}`)
}
