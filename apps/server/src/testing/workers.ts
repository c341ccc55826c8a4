import type { Localizer, ModelCard } from '@forgelens/localize';
import { seenWhole } from '@forgelens/localize';
import { lookAt } from '../look.ts';
import type { Job } from '../queue.ts';
import type { Settings } from '../settings.ts';
import type { StartWorker, WorkerEvent } from '../worker.ts';

export const card: ModelCard = {
  ...{ id: 'brightness', name: 'Brightness', source: 'made for tests', parameters: 0, input: 'red' },
  ...{ sizePolicy: 'native', weights: null, scores: [], operatingPoint: null },
  limitations: ['It takes all that is bright for tampered.'],
};

/** Takes for tampered what is bright. */
const localizer: Localizer = {
  info: {
    ...{ ...card, version: '1', licence: 'none needed', weightsSha256: '0'.repeat(64) },
    scoreRule: 'the highest probability',
  },
  locate({ width, height, data }) {
    const probabilities = Float32Array.from({ length: width * height }, (_, i) => data[3 * i]! / 255);
    const score = probabilities.reduce((most, p) => Math.max(most, p), 0);
    return Promise.resolve({ width, height, probabilities, score, seen: seenWhole });
  },
  close: () => Promise.resolve(),
};

/** What a worker does with a job beside what it should: nothing, end at once, or nothing at all until it is let go. */
export type Behaviour = (job: Job) => 'look' | 'crash' | 'hang' | Promise<'look'>;

/** Workers of this process. */
export const workersHere =
  (settings: Settings, behave: Behaviour, canStart: () => boolean = () => true): StartWorker =>
  listener => {
    let isAlive = true;
    const tell = (event: WorkerEvent) => {
      if (isAlive) listener(event);
    };
    const kill = () => {
      if (!isAlive) return;
      isAlive = false;
      queueMicrotask(() => listener({ kind: 'exit', reason: 'SIGKILL' }));
    };
    const isAble = canStart();
    queueMicrotask(() => tell(isAble ? { kind: 'ready' } : { kind: 'exit', reason: 'no memory' }));
    return {
      send(job) {
        void Promise.resolve(behave(job)).then(behaviour => {
          if (behaviour === 'crash') kill();
          return behaviour === 'look' ? lookAt(job, localizer, settings, tell) : undefined;
        });
      },
      kill,
    };
  };
