/* Numbers as people read them: how long it still takes, how large a file is, when something was. Used by all our lists. */
"use strict";

var tagAtelierFigures = (function () {
    const { say, readData } = tagAtelier;

    /** "19 s left", "12 min left", "2 h 05 min left"; nothing where it is not known. */
    function timeLeft(seconds) {
        if (seconds === null || seconds === undefined) return "";
        if (seconds < 90) return say("{seconds} s left", { seconds: Math.ceil(seconds) });
        const minutes = Math.round(seconds / 60);
        if (minutes < 90) return say("{minutes} min left", { minutes: minutes });
        return say("{hours} h {minutes} min left", { hours: Math.floor(minutes / 60), minutes: String(minutes % 60).padStart(2, "0") });
    }

    function size(bytes) {
        const [unit, power] = bytes >= 1e9 ? ["GB", 1e9] : bytes >= 1e6 ? ["MB", 1e6] : ["kB", 1e3];
        return (bytes / power).toFixed(bytes < 10 * power ? 1 : 0) + " " + unit;
    }

    /** A moment in the reader's own time, to the minute; the text itself where it is none. */
    function moment(text) {
        const date = new Date(text), language = readData("page").language;
        if (!text || Number.isNaN(date.getTime())) return text || "";
        return date.toLocaleString(language === "zh-CN" ? language : undefined, { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" });
    }

    return { timeLeft, size, moment };
})();
