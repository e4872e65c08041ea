import type { PageMark } from "../page_format.ts";
import type { Colours } from "./colours.ts";

/** The colour of a mark. */
export function colourOf(kind: PageMark["kind"], colours: Colours): string {
  switch (kind) {
    case "death":
      return colours.bad;
    case "ready":
      return colours.good;
    case "fault":
      return colours.fault;
    case "fork":
    case "snapshot":
    case "restore":
      return colours.fork;
    default:
      return colours.quiet;
  }
}

/** Draws a mark around a point, ten pixels wide. */
export function drawSign(
  pen: CanvasRenderingContext2D,
  kind: PageMark["kind"],
  x: number,
  y: number,
): void {
  const line = (...points: [number, number][]) => {
    points.forEach(([dx, dy], i) =>
      i === 0 ? pen.moveTo(x + dx, y + dy) : pen.lineTo(x + dx, y + dy)
    );
  };
  switch (kind) {
    case "boot":
      line([-4, -5], [5, 0], [-4, 5]);
      return pen.fill();
    case "ready":
      pen.arc(x, y, 4, 0, 7);
      return pen.fill();
    case "reset":
      pen.arc(x, y, 4, 0.6, 5.6);
      pen.stroke();
      pen.beginPath();
      line([1, -6], [6, -3], [1, 0]);
      return pen.fill();
    case "death":
      line([-4, -4], [4, 4]);
      line([4, -4], [-4, 4]);
      return pen.stroke();
    case "end":
      return pen.fillRect(x - 4, y - 4, 8, 8);
    case "snapshot":
      line([0, -5], [5, 0], [0, 5], [-5, 0]);
      return pen.fill();
    case "restore":
      line([0, -5], [5, 0], [0, 5], [-5, 0], [0, -5]);
      return pen.stroke();
    case "fork":
      line([0, 5], [0, 0], [-4, -5]);
      line([0, 0], [4, -5]);
      return pen.stroke();
    case "fault":
      line([2, -6], [-4, 1], [0, 1], [-2, 6], [4, -1], [0, -1]);
      return pen.fill();
    case "note":
      pen.arc(x, y, 3.5, 0, 7);
      return pen.stroke();
  }
}
