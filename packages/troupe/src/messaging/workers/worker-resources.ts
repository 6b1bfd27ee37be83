/**
 * The resources of a worker: started in their order before it, and stopped in the reverse order after it, also after
 * failures.
 */
import { fieldOf, invalidInput } from '../../core/index.ts'

/** A part of a worker that is started before it and stopped after it. */
export interface Resource {
  /** Called before `onStart`. If it throws, the worker does not start, and the resources before it are stopped. */
  start?(): unknown
  /** Called after `onStop`. */
  stop?(): unknown
}

/** @throws ValidationError */
export function checkResource<Used extends Resource>(resource: Used): Used {
  const is = (what: unknown) => what === undefined || typeof what === 'function'
  const [start, stop] = [fieldOf(resource, 'start'), fieldOf(resource, 'stop')]
  if (!is(start) || !is(stop) || (start === undefined && stop === undefined))
    throw invalidInput('A resource', 'it has a start(), a stop(), or both')
  return resource
}

/**
 * Starts resources in their order. If one fails, those before it are stopped.
 * @returns a function that stops all, the last first; if several fail to stop, it throws the first error
 * @throws the error of the resource that failed to start
 */
export async function startAll(resources: readonly Resource[]): Promise<() => Promise<void>> {
  const started: Resource[] = []
  const stopAll = async () => {
    const errors: unknown[] = []
    for (const resource of started.splice(0).reverse())
      try {
        await resource.stop?.()
      } catch (error) {
        errors.push(error)
      }
    if (errors.length > 0) throw errors[0]
  }
  for (const resource of resources)
    try {
      await resource.start?.()
      started.push(resource)
    } catch (error) {
      // The caller gets the error of the start, and not that of a resource which failed to stop.
      await stopAll().catch(() => {})
      throw error
    }
  return stopAll
}
