/** One responsibility each: the validator knows what is right, the processor what to do with it; neither knows both. */
import { createTroupe, defineMessage, type HandlerContext, type Message, Worker } from 'troupe'
import { z } from 'zod'

const Reading = z.object({ sensor: z.string(), celsius: z.number() })
const Raw = defineMessage('reading.raw')
const Valid = defineMessage('reading.valid', Reading)

class DataValidator extends Worker {
  constructor() {
    super('DataValidator')
    this.on(Raw, this.validate)
  }

  async validate({ payload }: Message, { messages }: HandlerContext) {
    const reading = Reading.safeParse(payload)
    if (!reading.success) return { rejected: reading.error.issues.map(({ path }) => path.join('.')) }
    return messages.request(Valid, reading.data, { to: 'DataProcessor' })
  }
}

class DataProcessor extends Worker {
  constructor() {
    super('DataProcessor')
    this.on(Valid, this.process)
  }

  process({ payload }: Message<z.infer<typeof Reading>>) {
    return { sensor: payload.sensor, fahrenheit: payload.celsius * 1.8 + 32 }
  }
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  await ada.start(new DataValidator())
  await ada.start(new DataProcessor())
  const { messages } = ada.agent('Client')
  const ask = (reading: object) => messages.request(Raw, { ...reading }, { to: 'DataValidator' })
  return [await ask({ sensor: 'roof', celsius: 20 }), await ask({ sensor: 'cellar', celsius: 'cold' })]
}

if (import.meta.main) console.log(await main())
