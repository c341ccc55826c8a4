import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { AnalystProgress } from './analyst.ts';
import { strings } from './strings.ts';

interface Props {
  readonly progress: AnalystProgress | null;
  /** As performance.now() has it. */
  readonly startedAt: number;
}

/** How far a picture is, and since when. */
export function ProgressLine({ progress, startedAt }: Props): JSX.Element {
  const now = useNow(500);
  const { done = 0, total = 0 } = progress ?? {};
  // What happens in one step has no steps to show.
  const isMeasured = total > 1;
  return (
    <div class="progress">
      <div class="progress-words">
        <span role="status">{describe(progress)}</span>
        <span class="faint number">
          {/* Not in the status, which would be read out at each percent; the bar below has it for screen readers. */}
          {isMeasured && progress?.stage === 'upload' && (
            <span class="percent" aria-hidden="true">
              {strings.progress.share(done / total)}
            </span>
          )}
          {strings.progress.since(Math.max(0, now - startedAt))}
        </span>
      </div>
      <progress aria-label={describe(progress)} max={1} {...(isMeasured ? { value: done / total } : {})} />
    </div>
  );
}

/** How far a picture is, in a few words. */
export function describe(progress: AnalystProgress | null): string {
  const { progress: words } = strings;
  if (progress === null) return words.begin;
  const { stage, done, total } = progress;
  if (stage === 'upload') return words.upload(total);
  if (total <= 1) return words[stage];
  const amount =
    stage === 'load'
      ? words.of(Number((done / 1e6).toFixed(1)), Number((total / 1e6).toFixed(1))) + ' MB'
      : words.of(done, total);
  return `${words[stage]}, ${amount}`;
}

function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
