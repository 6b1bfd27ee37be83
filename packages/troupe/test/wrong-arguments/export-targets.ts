/** Every export of every entry point as functions to call: functions, constructors, and methods of made objects. */
import {
  type Callable,
  isClass,
  methodTargets,
  objectTargets,
  type Target,
  targetsOf,
} from '../reliability/outside/fuzz/public-api.ts'
import {
  type ArgumentsByName,
  argumentsOfConstructors,
  argumentsOfFunctions,
  argumentsOfMethods,
} from '../reliability/outside/fuzz/valid-arguments.ts'
import { classObjects, type Parts, returnedObjects } from './class-objects.ts'

export interface Walked {
  readonly targets: readonly Target[]
  /** Exports that the suite does not know how to use. */
  readonly missing: readonly string[]
}

const isErrorClass = (value: object) => Object.prototype.isPrototypeOf.call(Error, value)
/** Of a function that the fuzzer has no valid arguments of. */
const unknownArguments = [['x', {}], [{}]]
type Class = new (...parameters: readonly unknown[]) => unknown

/** Objects of the fuzzer whose classes are exported, and are therefore walked with all of their methods. */
const walkedAsClass =
  /^(worker|stateMachine|breaker|limiter|pool|lastKnownGood|batches|agentPool|factory|tracer|episodicMemory|workingMemory|healthMonitor|metricsCollector|run|session|agent\.tools|user\.(context|orchestra|schedules))\./

export async function exportTargets(parts: Parts): Promise<Walked> {
  const valid = validArguments(parts)
  const objects = await classObjects(parts)
  const targets: Target[] = []
  const missing: string[] = []
  const seen = new Set<unknown>()
  for (const [entry, exports] of parts.entries)
    for (const [name, value] of Object.entries(exports)) {
      if (seen.has(value)) continue
      seen.add(value)
      const title = entry === './compat/syntha' ? `syntha.${name}` : name
      if (typeof value === 'object' && value !== null)
        targets.push(...targetsOf(title, value as Record<string, unknown>, valid.functions))
      if (typeof value !== 'function') continue
      if (!isClass(value as Callable)) {
        const call = (parameters: readonly unknown[]) => (value as Callable)(...parameters)
        targets.push({ name: title, call, arguments: valid.functions[title] ?? unknownArguments })
        continue
      }
      const make = objects[title]
      if (!make && !isErrorClass(value)) missing.push(`class ${title}`)
      targets.push(...classTargets(title, value as unknown as Class, make, valid))
    }
  const others = objectTargets(parts.library, parts.testbed, parts.folder).filter(
    ({ name }) => !walkedAsClass.test(name),
  )
  const returned = Object.entries(returnedObjects(parts)).flatMap(([name, make]) =>
    methodTargets(name, make, methodNamesOf(make() as object), valid.methods),
  )
  return { targets: [...targets, ...returned, ...others], missing }
}

const validArguments = ({ library, folder }: Parts) => ({
  functions: argumentsOfFunctions(library, folder),
  constructors: argumentsOfConstructors(library),
  methods: argumentsOfMethods(library, folder),
})

function classTargets(
  name: string,
  Class: Class,
  make: (() => unknown) | undefined,
  valid: { readonly constructors: ArgumentsByName; readonly methods: ArgumentsByName },
): readonly Target[] {
  const created: Target = {
    name: `new ${name}`,
    call: (parameters) => new Class(...parameters),
    arguments: valid.constructors[name] ?? unknownArguments,
  }
  const statics = Object.getOwnPropertyNames(Class).filter((member) => typeof Reflect.get(Class, member) === 'function')
  const methods = make ? methodNamesOf(make() as object) : []
  return [
    created,
    ...methodTargets(name, () => Class, statics, valid.methods),
    ...methodTargets(name, make ?? (() => Class), methods, valid.methods),
  ]
}

function methodNamesOf(object: object): readonly string[] {
  const names = new Set<string>()
  for (let at: object | null = object; at && at !== Object.prototype; at = Object.getPrototypeOf(at))
    for (const name of Object.getOwnPropertyNames(at)) names.add(name)
  return [...names].filter((name) => name !== 'constructor' && typeof Reflect.get(object, name) === 'function')
}
