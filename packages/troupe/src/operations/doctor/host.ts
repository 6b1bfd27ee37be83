/** The machine and the process, as the checks see them. */
import { totalmem } from 'node:os'

export interface Host {
  /** `24.1.0` */
  readonly node: string
  /** Bytes that the process may have; undefined where only the machine bounds it. */
  readonly memoryLimit: number | undefined
  /** Where the process was started. */
  readonly folder: string
  /** What its environment holds, to know a secret that is from there. */
  readonly variables: ReadonlySet<string>
  /** Whether the environment bounds the calls of models. */
  readonly rateLimited: boolean
  /** Whether SIGTERM is heard by somebody in this process. */
  readonly handlesSigterm: boolean
}

export const readHost = (): Host => {
  const constrained = process.constrainedMemory()
  return {
    node: process.versions.node,
    memoryLimit: constrained > 0 && constrained < totalmem() ? constrained : undefined,
    folder: process.cwd(),
    variables: new Set(Object.values(process.env).filter((value) => value !== undefined && value !== '') as string[]),
    rateLimited: Boolean(process.env.AGENT_RATE_LIMIT),
    handlesSigterm: process.listenerCount('SIGTERM') > 0,
  }
}
